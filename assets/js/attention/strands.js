// Lines between words of two texts that stand one above the other, thicker where more is looked at.

// `strands` are {from, to, part}: an element above, one below, and how much (0 to 1). The canvas lies over `frame`.
export function drawStrands(canvas, frame, strands) {
  const box = frame.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  if (!box.width) return;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.strokeStyle = getComputedStyle(canvas).color;
  for (const { from, to, part } of strands) {
    const [above, below] = [[...from.getClientRects()].at(-1), to.getClientRects()[0]];
    const [fromX, fromY] = [above.left - box.left + above.width / 2, above.bottom - box.top];
    const [toX, toY] = [below.left - box.left + below.width / 2, below.top - box.top];
    const middle = (fromY + toY) / 2;
    pen.globalAlpha = 0.2 + 0.6 * part;
    pen.lineWidth = 1 + 3 * part;
    pen.beginPath();
    pen.moveTo(fromX, fromY);
    pen.bezierCurveTo(fromX, middle, toX, middle, toX, toY);
    pen.stroke();
  }
}
