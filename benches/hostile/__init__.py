"""Peers that mean no good: what each kind costs, and what everybody else notices of them."""
