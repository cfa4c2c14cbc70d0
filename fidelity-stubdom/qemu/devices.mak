# The devices of a Diptych fidelity domain; everything else stays out (--without-default-devices).
CONFIG_I440FX=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_RNG=y
CONFIG_ISA_DEBUG=y
