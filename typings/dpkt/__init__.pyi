# What wsref uses of dpkt 1.9, which has no types of its own.

from . import ethernet as ethernet
from . import ip as ip
from . import ip6 as ip6
from . import pcap as pcap
from . import pcapng as pcapng
from . import tcp as tcp
from .dpkt import Error as Error
from .dpkt import NeedData as NeedData
from .dpkt import UnpackError as UnpackError
