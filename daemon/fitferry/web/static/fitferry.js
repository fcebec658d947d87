// What the page does by itself: stays fresh, counts down, takes dropped files. It works without any of it.
"use strict";

const POLL = 2000, SLOWEST = 30000;

// Times are shown in the zone of the viewer; only the browser knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const cookie = `fitferry_zone=${zone}`; // as it is: names of zones need no escapes, and the server undoes none
const known = document.cookie.split("; ").includes(cookie);
if (zone && !known) document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;

let tag = null, show = 0, timer = 0, pause = POLL;

function address() {
  const url = new URL(location.href);
  url.searchParams.delete("said");
  if (show) url.searchParams.set("show", show);
  return url;
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(address(), { headers, cache: "no-store", redirect: "error" });
    if (answer.status === 401) return location.reload();
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelectorAll("[data-live], #fresh").forEach(old => renew(old, fresh.getElementById(old.id)));
      tick();
      watchTheEnd();
    }
    pause = POLL;
  } catch {
    pause = Math.min(2 * pause, SLOWEST); // Fitferry is away; its page stays as it was
  }
  timer = setTimeout(refresh, pause);
}

// Children are known by their ids, so that what a person is about to press stays where it is.
function renew(old, fresh) {
  if (!fresh || old.isEqualNode(fresh) || old.querySelector("details[open]")) return;
  const keyed = fresh.children.length > 0 && [...fresh.children].every(child => child.id || child.tagName === "OL");
  if (!keyed || old.tagName !== fresh.tagName) {
    if (!old.contains(document.activeElement) || old === document.activeElement) old.replaceWith(document.importNode(fresh, true));
    return;
  }
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  const kept = new Map([...old.children].map(child => [child.id || child.tagName, child]));
  let at = null;
  for (const child of fresh.children) {
    const before = kept.get(child.id || child.tagName);
    kept.delete(child.id || child.tagName);
    if (before) renew(before, child);
    const here = (before && before.isConnected && before) || (child.id && old.querySelector(`:scope > #${CSS.escape(child.id)}`)) || document.importNode(child, true);
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
    const minutes = Math.floor(left / 60), seconds = String(left % 60).padStart(2, "0");
    if (left > 0 && left < 86400) time.textContent = minutes < 60 ? `${minutes}:${seconds}` : time.title;
  });
}

// The history goes on while somebody scrolls
const end = new IntersectionObserver(seen => {
  const more = document.getElementById("history").dataset.more;
  if (more && seen.some(one => one.isIntersecting)) {
    show = Number(more);
    tag = null;
    refresh();
  }
}, { rootMargin: "400px" });

function watchTheEnd() {
  end.disconnect();
  const older = document.getElementById("older");
  if (older && document.getElementById("history").dataset.more) end.observe(older);
}

// Files, by choosing or dropping, one after the other
const form = document.querySelector("#drop form"), list = document.getElementById("sent");

function send(file) {
  const line = document.createElement("li"), name = document.createElement("b"), words = document.createElement("span");
  const bar = document.createElement("progress");
  name.textContent = file.name;
  words.textContent = ` ${form.dataset.sending} `;
  bar.max = 1;
  bar.setAttribute("aria-label", file.name);
  line.append(name, words, bar);
  list.prepend(line);
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
      words.textContent = ` ${good ? found.words : found.error ? found.error.message : form.dataset.failed}`;
      words.className = good ? "good" : "bad";
      bar.remove();
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
  sendAll([...form.elements.file.files]).then(() => form.reset());
});
form.querySelector(".hint").hidden = false;
const carries = event => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
addEventListener("dragover", event => { if (carries(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", event => {
  document.body.classList.remove("dropping");
  if (!carries(event)) return;
  event.preventDefault();
  sendAll([...event.dataTransfer.files]);
});

if (location.search.includes("said=")) history.replaceState(null, "", address());
document.addEventListener("visibilitychange", refresh);
setInterval(tick, 1000);
tick();
watchTheEnd();
if (known) timer = setTimeout(refresh, POLL); else refresh();
