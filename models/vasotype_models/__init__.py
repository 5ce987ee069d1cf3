"""What a model is: its contract, its registry, its released weights and (torch only) its network."""
