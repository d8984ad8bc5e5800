"""From a trained analog network to a spiking one, without training it again."""
