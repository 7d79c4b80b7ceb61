"""Runs the tests of this folder, to standard output, where `cargo xtask test` counts them: python3 deploy/tests"""

import sys
import unittest

if __name__ == "__main__":
    runner = unittest.TextTestRunner(sys.stdout, verbosity=2)
    suite = unittest.defaultTestLoader.discover(sys.path[0])
    sys.exit(not runner.run(suite).wasSuccessful())
