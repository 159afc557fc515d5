// Everything here makes the pages livelier; none of it is needed to use them.

import { localise } from "./clock.js";
import { decisions } from "./decide.js";
import { inbox } from "./inbox.js";
import { level } from "./level.js";
import { passages } from "./passage.js";
import { thread } from "./thread.js";
import { timeline } from "./timeline.js";

localise(document);
thread();
timeline();
passages();
decisions();
level();
inbox();
