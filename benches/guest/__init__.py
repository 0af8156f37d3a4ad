"""A million sessions in one gateway process, in a virtual machine of its own."""
