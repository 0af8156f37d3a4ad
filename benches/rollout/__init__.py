"""A rollout of a whole cluster, under its sessions."""
