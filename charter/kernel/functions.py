"""Functions as Semantic Kernel functions: declared once per bundle, bound to one principal only for the call."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from semantic_kernel import Kernel
from semantic_kernel.functions import KernelArguments, KernelFunctionFromMethod, kernel_function
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from charter.catalog.spec import FunctionSpec, PluginSpec
from charter.kernel import guest, openapi
from charter.plugin import Access

Handler = Callable[..., Awaitable[Any]]


class BoundPlugin:
    """One plugin of the catalog: its functions for the kernel, and the way to call one with a principal's access."""

    def __init__(self, spec: PluginSpec) -> None:
        self.spec = spec
        self._class = guest.load_class(spec) if spec.kind == "python" else None
        self.functions = {name: _declare(function) for name, function in spec.functions.items()}

    async def invoke(
        self,
        kernel: Kernel,
        function: FunctionSpec,
        arguments: Mapping[str, Any],
        access: Access,
        headers: Mapping[str, str],
    ) -> Any:
        """Call the function as the principal of ``access`` and return its JSON value.

        Raises:
            FunctionFailed: the plugin said why in a public sentence.
        """
        bound = self.functions[function.name].model_copy(update={"method": self._handler(function, access, headers)})
        result = await bound.invoke(kernel, KernelArguments(**arguments))
        return None if result is None else result.value

    def _handler(self, function: FunctionSpec, access: Access, headers: Mapping[str, str]) -> Handler:
        if self._class is not None:
            return cast("Handler", getattr(self._class(access), function.name))

        async def call(**arguments: Any) -> Any:
            as_ = self.spec.connection.as_ if self.spec.connection else "none"
            return await openapi.call(access.connection, function, arguments, headers, as_=as_)

        return call


def wire_tool(function: FunctionSpec) -> dict[str, Any]:
    """Return the function as the model sees it (OpenAI tools format), with its closed schema."""
    return {
        "type": "function",
        "function": {
            "name": function.wire_name,
            "description": function.description,
            "parameters": dict(function.parameters),
        },
    }


def _declare(function: FunctionSpec) -> KernelFunctionFromMethod:
    properties: Mapping[str, Any] = function.parameters.get("properties", {})
    required = set(function.parameters.get("required", ()))

    @kernel_function(name=function.name, description=function.description)
    async def unbound(**_: Any) -> Any:
        raise PermissionError("a function is called only as a principal")

    return KernelFunctionFromMethod(
        method=unbound,
        plugin_name=function.plugin,
        parameters=[
            KernelParameterMetadata(name=name, is_required=name in required, schema_data=dict(schema), type_object=None)  # pyright: ignore[reportArgumentType]
            for name, schema in properties.items()
        ],
    )
