"""Monthly five-star results and three-post eighteen-grade proposals for a city's communities."""
