from contextlib import AbstractContextManager

from hypothesis.internal.conjecture.providers import PrimitiveProvider

class CrossHairPrimitiveProvider(PrimitiveProvider):
    completion: str

    def per_test_case_context_manager(self) -> AbstractContextManager[None]: ...
