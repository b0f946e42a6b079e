"""Exercises of the section on ZFNet and on seeing what a network has learned."""

from course_lib.exercises.ch06_architectures.zfnet import aliasing, maps, projection, unpooling

EXERCISES = [
    unpooling.UNPOOL,
    maps.GRAD_CAM,
    maps.OCCLUSION,
    aliasing.APPARENT,
    projection.DECONVNET,
]
