"""Letters that tell a worker what was decided, why, and how to object (调整告知书)."""
