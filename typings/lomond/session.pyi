from .frame import Frame as Frame
