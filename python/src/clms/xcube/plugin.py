"""What xcube calls to learn of the data store."""

from typing import Any

from xcube.constants import EXTENSION_POINT_DATA_STORES
from xcube.util import extension


def init_plugin(ext_registry: extension.ExtensionRegistry) -> Any:
    """Register the data store; its module is imported when somebody asks for it."""
    ext_registry.add_extension(
        loader=extension.import_component("clms.xcube.store:ClmsDataStore"),
        point=EXTENSION_POINT_DATA_STORES,
        name="clms",
        description="Copernicus Land Monitoring Service",
    )
