"""What one part of Holdfast costs the others."""
