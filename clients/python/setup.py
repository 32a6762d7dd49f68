"""Builds the package: the module with make, and a source distribution with the sources of libfactstr."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
# In a source distribution, the library is here; in the repository, two directories above.
BUNDLED = os.path.join(HERE, 'libfactstr')
TOP = BUNDLED if os.path.isdir(BUNDLED) else os.path.dirname(os.path.dirname(HERE))

# The sources of the library.
LIBRARY = ['factstr.control', 'LICENSE', 'memstore/Makefile', 'memstore/include', 'memstore/src', 'src/match']


def version():
    with open(os.path.join(TOP, 'factstr.control'), encoding='utf-8') as file:
        return re.search(r"^default_version *= *'(.*)'", file.read(), re.M).group(1)


class BuildModule(build_ext):
    """Builds the library and the module with the Makefile and the headers of this interpreter."""

    def build_extension(self, ext):
        path = os.path.abspath(self.get_ext_fullpath(ext.name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.TemporaryDirectory() as objects:
            subprocess.run(['make', '-C', HERE, f'PYTHON={sys.executable}', f'BUILD={objects}', f'MODULE={path}',
                            'LDFLAGS=' + os.environ.get('LDFLAGS', '-Wl,--strip-debug'), path], check=True)


class SourceDistribution(sdist):
    """Adds the sources of the library, in libfactstr/."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for name in LIBRARY:
            source, target = os.path.join(TOP, name), os.path.join(base_dir, 'libfactstr', name)
            if os.path.isdir(source):
                shutil.copytree(source, target, ignore=shutil.ignore_patterns('*.o', '*.d', '*.bc'))
            else:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(source, target)


class Wheel(bdist_wheel):
    """Makes one wheel for CPython 3.9 and all later versions."""

    def finalize_options(self):
        self.py_limited_api = 'cp39'
        super().finalize_options()


setup(
    version=version(),
    ext_modules=[Extension('factstr._native', sources=[], py_limited_api=True)],
    cmdclass={'build_ext': BuildModule, 'sdist': SourceDistribution, 'bdist_wheel': Wheel},
)
