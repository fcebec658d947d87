// Code and state are used up, but they need not stay in the address bar or the history.
history.replaceState(null, "", location.pathname);
