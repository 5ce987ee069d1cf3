"""How the brain extraction network is made: heads painted from label maps, training, figures."""
