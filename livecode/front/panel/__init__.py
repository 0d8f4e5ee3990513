"""The live panel of a service in a notebook: ``%hotpanel``.

    look.py       one look at a service: workers, modules, pushes, a canary
    plain.py      what is shown of it, as plain data; pure
    canary.py     the same for the figures of a canary; pure
    pace.py       how often is looked, from who is looking at the panel; pure
    deeds.py      what the buttons do: undo, promote, take back
    watcher.py    a thread that looks while somebody looks at the panel, and does what the buttons ask
    widget.py     the widget; the only room that imports anywidget
    opening.py    ``%hotpanel`` itself, and the table that stands where there are no widgets
    panel.js      draws the plain data; panel.css is how it looks

What is shown goes from the kernel to the browser when it has changed, and not otherwise: ages are counted there.
"""
