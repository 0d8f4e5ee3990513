"""What is saved under a folder goes live.

sieve     which files and folders count: names, .gitignore, the user's filter
tree      one walk through what counts; what differs between two of them
mounts    PURE: file systems that do not tell of every change
lookout   who tells what was saved: inotify, or another system's notices, or looking again and again
burst     PURE: when the saves that belong together are over
git       whether git is in the middle of changing files
ledger    PURE: what of a batch is pushed, what waits for its repair
words     PURE: what is said besides Reports
batch     reads what was saved, asks the service what it has loaded, and pushes
watch     the thread, and what a caller holds of it
inside    a service that watches its own sources: one of its workers does
"""
