// A search field that asks when typing pauses.
import { useEffect, useState } from "preact/hooks";

export function Search({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed), 200);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      class="search"
      type="search"
      placeholder={label}
      aria-label={label}
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
