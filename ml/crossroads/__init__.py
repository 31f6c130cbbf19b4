"""Crossroads: a fixed camera over a street crossing, rendered, with known truth.

`draw_plan` draws everything that happens from a seed; `Renderer` shows it (`frame`) and
`Soundtrack` plays it (`second`), both pure functions of the plan and the time, so that any part
can be rendered on its own, in any order and in parallel. `truth` reads and writes what happened.
"""
