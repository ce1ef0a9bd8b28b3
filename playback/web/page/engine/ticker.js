/**
 * A worker that beats. Timers of a page in a hidden tab may come once a second or
 * less; those of a worker come in time, and sound must go on in step there.
 */
let timer = 0;
onmessage = (e) => {
	clearInterval(timer);
	timer = e.data > 0 ? setInterval(() => postMessage(0), e.data) : 0;
};
