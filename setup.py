from setuptools import Extension, setup

# optional: on a machine without a compiler the package still installs and runs, on zfec.
setup(
    ext_modules=[
        Extension(
            "outlast.coding._kernel",
            sources=["src/outlast/coding/_kernel.c"],
            extra_compile_args=["-O3"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
        )
    ]
)
