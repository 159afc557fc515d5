import sys

from charter.twins.runner import main

sys.exit(main())
