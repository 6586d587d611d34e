"""A run over many machines: batches of its images as tasks of Ray, merged as parts are.

A batch is run as a part is on one machine, by a process beside Ray's worker (`ckssd.measure.serve`): the
numbers are the same, and a runtime that crashes takes no worker with it. `schedule` decides which node gets
which batch and what is lost; `engine` and `on_node` alone import Ray, and only when they are asked. `on_node`
travels to the nodes and stands alone.
"""
