// The contrast of every visible text against what is painted behind it, after WCAG 2.2 (success criterion 1.4.3, level AA).

/** Runs in the page: must not refer to anything outside itself. One line for each text below its ratio. */
export function contrastFaults(): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;

  /** Any CSS colour as red, green, blue and alpha, 0..1. */
  const channels = (color: string): [number, number, number, number] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red! / 255, green! / 255, blue! / 255, alpha! / 255];
  };
  const luminance = (color: string): number => {
    const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = channels(color);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const backgroundOf = (element: Element): string => {
    for (let at: Element | null = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (channels(backgroundColor)[3] === 1) return backgroundColor;
    }
    return 'white';
  };
  const faultOf = (element: Element): string | null => {
    const style = getComputedStyle(element);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const color = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [luminance(color), luminance(backgroundOf(element))].toSorted((a, b) => a - b);
    const ratio = (high! + 0.05) / (low! + 0.05);
    const needed = isLarge ? 3 : 4.5;
    return ratio >= needed ? null : `${ratio.toFixed(2)} < ${needed}: ${element.textContent?.slice(0, 40)}`;
  };

  const faults = new Set<string>();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement!;
    const isShown = texts.currentNode.textContent!.trim() !== '' && element.checkVisibility();
    const isInactive = element.closest('button:disabled, .hidden, script, style, noscript') !== null;
    const fault = isShown && !isInactive ? faultOf(element) : null;
    if (fault !== null) faults.add(fault);
  }
  return [...faults];
}
