"""Charter: a governed host for Semantic Kernel agents.

The floors, from the roof down; a module imports only from floors beneath its own::

    cli · local          the command line · the local profile's people, processes and sign
    channels · twins     ways in · real small servers that stand for cloud parts
    runs                 run, journal, engine, loop, effects, timeline
    kernel               the one door to Semantic Kernel
    governance | knowledge | models
    catalog | store | identity | secrets | telemetry
    settings             one frozen tree, read once
    plugin               all a plugin may lean on
    context              who acts for whom
    errors               the error tree
"""
