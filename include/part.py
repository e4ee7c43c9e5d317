"""What every piece of a spec is: frozen, described field by field, and refusing names that it does not know."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Part(BaseModel):
    """A frozen piece of a spec; unknown fields are errors, for a typing slip must not become a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
