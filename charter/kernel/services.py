"""The chat connector of each kind of deployment. All keep to one promise: what a turn offers is in ``present_turn``, and
what came back is noted there.
"""

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from charter.kernel.connector import GovernedChatCompletion
from charter.models.deployments import Deployed


def service_of(deployed: Deployed) -> ChatCompletionClientBase:
    """Return the connector for a deployment; built once, shared by all turns."""
    match deployed.kind:
        case "anthropic":
            # Late: only who has such a deployment pays for its maker's client.
            from charter.kernel.claude import ClaudeChatCompletion

            return ClaudeChatCompletion(deployed)
        case "mistral":
            from charter.kernel.mistral import MistralChatCompletion

            return MistralChatCompletion(deployed)
        case _:
            return _openai(deployed)


def _openai(deployed: Deployed) -> ChatCompletionClientBase:
    return GovernedChatCompletion(ai_model_id=deployed.model, async_client=deployed.client)  # pyright: ignore[reportCallIssue]
