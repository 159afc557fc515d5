"""What people write that no function is for: examples the router compares with, and the short answers to them."""

NONE_EXAMPLES: dict[str, tuple[str, ...]] = {
    "greeting": ("hello", "hi, good morning", "hey there", "how are you?", "Guten Tag", "Hallo, wie geht es dir?"),
    "thanks": ("thank you so much", "thanks, great", "perfect, that helped", "Danke schön", "ok"),
    "farewell": ("bye, see you", "have a nice day", "Tschüss, bis bald"),
    "abilities": ("what can you do?", "who are you?", "help", "are you a machine?", "Was kannst du alles?"),
    "correction": ("that is wrong", "no, I did not mean that", "forget it", "never mind", "vergiss es"),
    "world": (
        "what is the capital of Italy?",
        "who wrote Romeo and Juliet?",
        "when did the first world war end?",
        "how far away is the moon?",
        "how is the weather today?",
        "what is 5 plus 6?",
        "how much is 100 minus 7?",
        "why do cats purr?",
        "who is the president of the United States?",
        "Wie hoch ist der Eiffelturm?",
    ),
    "wish": (
        "tell me a joke",
        "write a poem",
        "sing a song for me",
        "translate this sentence into French",
        "recommend a book",
        "book a hotel room in Paris",
        "turn on the radio",
        "set an alarm for seven",
        "Erzähl mir einen Witz",
    ),
}
"""Examples by kind. General knowledge and wishes stand for all that is out of this house's reach."""

ANSWERS = {
    "greeting": "Hello! What can I do for you?",
    "thanks": "You're welcome.",
    "farewell": "Goodbye, and have a good day.",
    "correction": "All right, I leave it as it is. What would you like instead?",
}
