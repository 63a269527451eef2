// The pages begin here.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./client";
import "./theme.css";
import "./words/frame";
import { App } from "./app";
import { isProblem } from "./parts/problem";

const SERVER_FAULT = 500;
const queries = new QueryClient({
  // A no of the service stays one; only its faults and an absent network are worth another try.
  defaultOptions: { queries: { retry: (times, error) => times < 2 && (!isProblem(error) || error.status >= SERVER_FAULT) } },
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
