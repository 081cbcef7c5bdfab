"""Makes previews of what comes in, until it ends: the other side of `PreviewMaker`."""

import sys

from include.safe_picture.apart import serve

if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
