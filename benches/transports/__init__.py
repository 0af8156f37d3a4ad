"""How many pushes a second sessions of each transport receive."""
