class Event:
    name: str
    received_time: float
