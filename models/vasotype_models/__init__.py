"""What a model is: contract, registry, released weights and, with torch only, its network."""
