"""Where Hydra looks for plugins: python train.py -m hydra/sweeper=hone. See hone/integrations/hydra.py."""

from hone.integrations import hydra as adapter


class HoneSweeper(adapter.HoneSweeper):
    """Here as well, since Hydra takes plugins that are defined in this package alone."""


adapter.register()
