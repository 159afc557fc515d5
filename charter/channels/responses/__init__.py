"""The OpenAI doors: Responses, chat completions and models, for clients that already speak that wire."""
