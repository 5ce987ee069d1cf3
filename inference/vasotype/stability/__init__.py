"""How far a study's leanings hold when its images are disturbed a little."""
