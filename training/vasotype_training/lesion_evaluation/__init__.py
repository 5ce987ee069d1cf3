"""How well each reader tells the vascular modes of simulated lesions, beside what is possible."""
