// What the page does by itself: stays fresh, counts down, takes dropped files. It works without any of it.
"use strict";

const POLL = 2000, SLOWEST = 30000;
// A ride that comes and goes is followed closely; an import, where every look costs a whole page, at this pace.
const AT_ONCE = 5, STEADY = 15000;

// Times are shown in the zone of the viewer; only the browser knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const cookie = `fitferry_zone=${zone}`; // as it is: names of zones need no escapes, and the server undoes none
const zoneIsKnown = document.cookie.split("; ").includes(cookie);
if (zone && !zoneIsKnown) document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;

const tags = new Map(); // of each address
let timer = 0, pause = POLL, looks = AT_ONCE, counted = Date.now();

function address() {
  const url = new URL(location.href);
  url.searchParams.delete("done");
  return url;
}

// Of a long history only the piece is kept fresh that somebody looks at; the address of each stands below the one before.
function lookedAt() {
  const pieces = [...document.querySelectorAll(".chunk")];
  const at = Math.max(0, pieces.findIndex(piece => piece.getBoundingClientRect().bottom > 0));
  const before = at && pieces[at - 1].querySelector(".older a");
  return before ? [pieces[at], before.href] : [pieces[0], address().href];
}

// How long to wait now: the first few changes are looked at once, more of them each in its time.
function wait() {
  const now = Date.now();
  looks = Math.min(AT_ONCE, looks + (now - counted) / STEADY);
  counted = now;
  return Math.max(pause, (1 - looks) * STEADY);
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const [piece, from] = lookedAt();
    const headers = tags.has(from) ? { "If-None-Match": tags.get(from) } : {};
    const answer = await fetch(from, { headers, cache: "no-store", redirect: "error" });
    if (answer.status === 401) return location.reload();
    if (answer.status === 200) {
      looks -= 1;
      const fresh = parsed(await answer.text());
      document.querySelectorAll("[data-live], #fresh").forEach(old => renew(old, fresh.getElementById(old.id)));
      renew(piece, fresh.querySelector(".chunk"));
      tags.set(from, answer.headers.get("ETag"));
      document.title = fresh.title;
      tick();
      watchTheEnd();
    }
    pause = POLL;
  } catch {
    pause = Math.min(2 * pause, SLOWEST); // Fitferry is away; its page stays as it was
  }
  timer = setTimeout(refresh, wait());
}

const parsed = text => new DOMParser().parseFromString(text, "text/html");

// Children are known by their ids or keys, so that what a person is about to press stays where it is.
function renew(old, fresh) {
  if (!fresh || old.isEqualNode(fresh) || old.querySelector("details[open]")) return;
  const key = child => child.id || child.dataset.key || child.tagName;
  const known = child => child.id || child.dataset.key || child.matches(".week, ol, .older, .nothing");
  const keyed = fresh.children.length > 0 && [...fresh.children].every(known);
  if (!keyed || old.tagName !== fresh.tagName) {
    if (!old.contains(document.activeElement) || old === document.activeElement) old.replaceWith(document.importNode(fresh, true));
    return;
  }
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  const kept = new Map([...old.children].map(child => [key(child), child]));
  let at = null;
  for (const child of fresh.children) {
    const before = kept.get(key(child));
    kept.delete(key(child));
    if (before) renew(before, child);
    const here = (before && before.isConnected ? before : null)
      || (before && [...old.children].find(one => key(one) === key(child))) || document.importNode(child, true);
    const next = at ? at.nextElementSibling : old.firstElementChild;
    if (here !== next) old.insertBefore(here, next);
    at = here;
  }
  kept.forEach(child => child.remove());
}

// Countdowns
function tick() {
  document.querySelectorAll("time[data-until]").forEach(time => {
    const left = Math.round((new Date(time.dateTime) - Date.now()) / 1000);
    if (!time.title) time.title = time.textContent;
    const words = document.getElementById("in-progress").dataset[left < 60 ? "seconds" : "minutes"];
    const within = words.replace("{m}", Math.floor(left / 60)).replace("{s}", left % 60);
    time.textContent = left > 0 && left < 3600 ? within : time.title;
  });
}

// The history goes on below: by itself where it stands beside the rest, else only when that is asked for
const wide = matchMedia("(min-width: 64rem)");
const listed = document.getElementById("history");
const end = new IntersectionObserver(seen => {
  if (wide.matches && seen.some(one => one.isIntersecting)) goOn(seen[0].target.querySelector("a"));
}, { rootMargin: "400px" });

function watchTheEnd() {
  end.disconnect();
  const older = listed.querySelector(".chunk:last-child .older");
  if (older) end.observe(older);
}

async function goOn(link) {
  end.disconnect();
  const last = listed.lastElementChild;
  const answer = await fetch(link.href, { cache: "no-store", redirect: "error" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const next = document.importNode(parsed(await answer.text()).querySelector(".chunk"), true);
  if (last === listed.lastElementChild) listed.append(next);
  if (link === document.activeElement) next.querySelector("a, button")?.focus({ preventScroll: true });
  watchTheEnd();
}

listed.addEventListener("click", event => {
  const link = event.target.closest(".older a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  goOn(link);
});

// Files, by choosing or dropping, one after the other
const form = document.querySelector("#upload form"), list = document.getElementById("sent");

function send(file) {
  const line = document.createElement("li"), name = document.createElement("b"), words = document.createElement("span");
  const bar = document.createElement("progress"), what = document.createElement("div");
  name.className = "name";
  name.dir = "auto";
  name.textContent = file.name;
  words.textContent = ` ${form.dataset.sending} `;
  bar.max = 1;
  bar.setAttribute("aria-label", file.name);
  line.append(document.createElement("span"), what, bar);
  what.append(name, words);
  list.prepend(line);
  document.getElementById("sent-card").hidden = false;
  const finish = (text, good) => {
    words.textContent = ` ${text}`;
    words.className = good ? "good" : "bad";
    bar.remove();
  };
  const zip = /\.zip$/i.test(file.name), { limit, toobig, zipLimit, zipToobig } = form.dataset;
  if (file.size > Number(zip ? zipLimit : limit)) return finish(zip ? zipToobig : toobig, false);
  return new Promise(done => {
    const request = new XMLHttpRequest(), body = new FormData();
    body.append("file", file);
    if (form.elements.athlete) body.append("athlete", form.elements.athlete.value);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = event => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
    request.onloadend = () => {
      let found = {};
      try { found = JSON.parse(request.responseText); } catch { /* no answer at all */ }
      const good = request.status === 200;
      finish(good ? found.message : found.error ? found.error.message : form.dataset.failed, good);
      done();
    };
    request.send(body);
  });
}

async function sendAll(files) {
  for (const file of files) await send(file);
  refresh();
}

form.addEventListener("submit", event => {
  event.preventDefault();
  form.parentElement.open = false;
  sendAll([...form.elements.file.files]).then(() => form.reset());
});
document.querySelectorAll(".hint").forEach(hint => { hint.hidden = false; });
const carries = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
addEventListener("dragover", event => { if (carries(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", event => {
  document.body.classList.remove("dropping");
  if (!carries(event)) return;
  event.preventDefault();
  sendAll([...event.dataTransfer.files]);
});

if (location.search.includes("done=")) history.replaceState(null, "", address());
document.addEventListener("visibilitychange", refresh);
setInterval(tick, 1000);
tick();
watchTheEnd();
if (zoneIsKnown) timer = setTimeout(refresh, POLL); else refresh();

// One menu at a time, also where browsers do not know that by its name; Escape and a click beside it close it.
addEventListener("keydown", event => {
  const menu = event.key === "Escape" && document.querySelector(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
addEventListener("click", event => {
  document.querySelectorAll(".menu[open]").forEach(menu => { if (!menu.contains(event.target)) menu.open = false; });
});
