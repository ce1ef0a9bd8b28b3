/**
 * A worker that beats. Timers of a page in a hidden tab may come once a second or
 * less; those of a worker come in time, and sound must go on in step there.
 */

/** @type {ReturnType<typeof setInterval>|undefined} */
let timer;

onmessage = (event) => {
	clearInterval(timer);
	if (event.data > 0) timer = setInterval(() => postMessage(0), event.data);
};
