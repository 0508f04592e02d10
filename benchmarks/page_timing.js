// Measures inside a page: from an event until what it changed has been painted. Run once in a page, then read `took`.
() => {
  window.took = [];

  // A message is delivered behind the paint of the frame that it was sent in.
  const painted = (start) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.took.push(performance.now() - start);
    channel.port2.postMessage(0);
  };

  // Pointing at an element that fits `selector`; where the answer comes later, it ends with the class `done` there.
  window.watchPointing = (selector, done) => {
    let latest = null;
    document.addEventListener("pointerover", (event) => {
      const target = event.target.closest?.(selector);
      if (!target) return;
      latest = target;
      const check = () => {
        if (latest !== target) return;
        if (done && !target.classList.contains(done)) requestAnimationFrame(check);
        else painted(event.timeStamp);
      };
      requestAnimationFrame(check);
    }, true);
  };

  // A click, until the canvas that fits `selector` has been drawn anew.
  window.watchClick = (selector) => {
    document.addEventListener("click", (event) => {
      const canvas = document.querySelector(selector);
      const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => painted(event.timeStamp));
      });
      observer.observe(canvas, { attributes: true, attributeFilter: ["width"] });
    }, { capture: true, once: true });
  };

  // The middles of elements that can be seen and pointed at, in the window and in the frame `frame`.
  window.inSight = (selector, frame) => {
    const box = document.querySelector(frame)?.getBoundingClientRect() ?? { top: 0, bottom: innerHeight };
    const [top, bottom] = [Math.max(0, box.top) + 4, Math.min(innerHeight, box.bottom) - 4];
    return [...document.querySelectorAll(selector)].filter((one) => one.getClientRects().length === 1 && one.textContent.trim())
      .map((one) => one.getBoundingClientRect()).filter((at) => at.top >= top && at.bottom <= bottom && at.width > 3)
      .map((at) => [at.left + at.width / 2, at.top + at.height / 2]);
  };
};
