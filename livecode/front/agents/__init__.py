"""Services for agents: `livecode mcp`, a server of the Model Context Protocol.

tools     what there is to call, with schemas
looking   the tools that look
pushing   the tools that change something, and the dry run before
desk      which services, what is allowed; what a tool is called with and answers
changes   what an agent wants changed → sources, bases, diff
told      reports, status and log as data
checking  whether arguments fit a schema
server    the protocol: the only room that imports its SDK
"""
