"""Whether anybody notices that a gateway is taken over, and for how long nobody is served."""
