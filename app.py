"""The composition root: settings -> models -> engine -> history -> page -> launch. Nothing else."""

import os

from playground.settings import Settings, set_library_defaults

set_library_defaults(os.environ)  # before any library that reports on its users is imported

from playground import start
from playground.engine.engine import Engine
from playground.errors import PlaygroundError
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.ui.app import build_app, launch_options
from playground.ui.contract import Services
from playground.ui.turns import Turns


def main() -> None:
    """Serve the playground until it is interrupted."""
    settings = Settings.from_env(os.environ)
    start.prepare_process(settings)
    models = start.suitable_models(settings)
    sources = Sources(settings.use_hub, settings.use_mirror, settings.hub_endpoint, settings.hub_token)
    shelf = ModelShelf(settings.cache_dir, sources, device=start.device(), quantization=settings.quantization)
    engine = Engine(shelf.load, prefix_store_bytes=settings.prefix_store_mb << 20)
    history, notice = start.open_history(settings)
    turns = Turns(engine, history, shared=settings.shared, on_speed=shelf.note_speed)
    services = Services(settings, shelf, engine, history, turns, start.companions(shelf), notice)
    start.open_first(engine, shelf, models)
    build_app(services).launch(**launch_options(services))
    turns.close()
    engine.close()


if __name__ == "__main__":
    try:
        main()
    except PlaygroundError as error:
        start.explain_and_exit(error)
