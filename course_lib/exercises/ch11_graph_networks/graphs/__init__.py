"""Exercises of the section on graphs."""

from course_lib.exercises.ch11_graph_networks.graphs import edges, laplacians, walks

EXERCISES = [
    edges.BOTH_WAYS,
    edges.RENUMBER,
    laplacians.LAPLACIAN,
    walks.ROWS,
    walks.PIECES,
]
