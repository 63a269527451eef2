// Every place of the pages. A screen is loaded when somebody goes there.
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { createBrowserRouter, Link, RouterProvider } from "react-router";

import { Empty, Loading } from "./parts/problem";
import { Shell } from "./parts/shell";
import { Enter } from "./screens/sign-in";
import SignIn from "./screens/sign-in";
import { SignedIn } from "./session";

const Usage = lazy(() => import("./screens/usage"));

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Empty>
      {t("state.missing")} <Link to="/" className="text-brand underline">{t("state.home")}</Link>
    </Empty>
  );
}

const router = createBrowserRouter(
  [
    { path: "/sign-in", element: <SignIn /> },
    { path: "/enter", element: <Enter /> },
    {
      element: (
        <SignedIn>
          <Shell />
        </SignedIn>
      ),
      children: [
        { index: true, element: <Suspense fallback={<Loading />}><Usage /></Suspense> },
        { path: "*", element: <Nowhere /> },
      ],
    },
  ],
  { basename: "/app" },
);

export function App() {
  return <RouterProvider router={router} />;
}
