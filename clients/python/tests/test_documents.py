"""The Python in docs/getting-started.md runs, and prints the output that is shown after it."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import factstr

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..'))
BLOCK = re.compile(r'^```python\n(.*?)^```\n\n```text\n(.*?)^```$', re.M | re.S)


class Documents(unittest.TestCase):
    def test_getting_started(self):
        with open(os.path.join(TOP, 'docs/getting-started.md'), encoding='utf-8') as file:
            text = file.read()
        blocks = BLOCK.findall(text)
        self.assertEqual(len(blocks), text.count('```python\n'), 'every block has its output')
        self.assertTrue(blocks)
        path = os.path.dirname(os.path.dirname(factstr.__file__))
        for program, shown in blocks:
            with tempfile.TemporaryDirectory() as directory:
                run = subprocess.run([sys.executable, '-c', program], cwd=directory, env={**os.environ, 'PYTHONPATH': path},
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((run.returncode, run.stdout), (0, shown))
