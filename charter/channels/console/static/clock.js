// Times come in UTC; here they take the reader's zone and language, with the exact moment as a title.

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const older = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const today = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const HALF_YEAR = 182 * 24 * 3600 * 1000;

export function localise(root) {
  for (const element of root.querySelectorAll("time[data-when]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = element.dateTime;
    element.textContent = written(moment, new Date());
  }
}

function written(moment, now) {
  if (moment.toDateString() === now.toDateString()) return today.format(moment);
  return Math.abs(now - moment) > HALF_YEAR ? older.format(moment) : day.format(moment);
}
