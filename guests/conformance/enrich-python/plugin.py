"""Awaits a function of its host for each text."""

import wit_world


class WitWorld(wit_world.WitWorld):
    async def enrich(self, text: str) -> str:
        return f"{text}: {await wit_world.look_up(text)}"

    def describe(self) -> str:
        return "enriches"
